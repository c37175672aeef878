"""What explains a race: why it is not faster, what if, the vocabulary."""

from __future__ import annotations

ACCOUNTS = {
    # why, and what if
    "speedup.title": "Speedup",
    "speedup.lanes": "Lane to explain",
    "speedup.why": "Why is it not faster?",
    "speedup.base": "This is the baseline itself: choose a lane that drafts.",
    "speedup.none": (
        "Nothing can be said of this lane: it needs a next-token lane on the same machine, and steps that "
        "were timed."
    ),
    "speedup.waiting": "This is told when the race has ended.",
    "speedup.ceiling": (
        "{title} writes {tau} tokens per pass of the target, and would be {tau}× as fast as next-token "
        "prediction if drafting were free and a pass over drafts cost no more than a plain one. It is "
        "{measured}×."
    ),
    "speedup.price": (
        "One of its steps costs as much as {price} plain ones, so it breaks even at τ = {price}: drafts "
        "that are right {even} of the time, each. Here they were right {here} of the time."
    ),
    "speedup.price.free": (
        "One of its steps costs as much as {price} plain ones. It needs no draft to be right to break even:"
        " what is saved elsewhere pays for the drafting."
    ),
    "speedup.price.never": (
        "One of its steps costs as much as {price} plain ones: with drafts this short it cannot break even,"
        " were all of them right."
    ),
    "speedup.helps.draft": "What would help most: cheaper drafting. Were it free, the lane would run at {x}×.",
    "speedup.helps.verify": (
        "What would help most: a cheaper pass over the drafts. At a plain pass's cost the lane would run at"
        " {x}×."
    ),
    "speedup.helps.commit": (
        "What would help most: a cheaper commit to the cache. At a plain step's cost the lane would run at "
        "{x}×."
    ),
    "speedup.helps.host": "What would help most: less host time. At a plain step's the lane would run at {x}×.",
    "speedup.helps.none": "No part of its steps costs more than in a plain one: only better drafts would help.",
    "speedup.loops": (
        "The text repeats itself (distinct 4-grams: {share}), which flatters every drafter: do not quote "
        "these figures."
    ),
    "speedup.distinct": "Distinct 4-grams of the text: {share}.",
    "speedup.scale": "How often each draft is right",
    "speedup.slower": "slower",
    "speedup.faster": "faster",
    "speedup.even": "break-even {x}",
    "speedup.here": "this run {x}",
    "whatif.title": "What if?",
    "whatif.about": (
        "The same drafts on another card, with another model, batch, length or tree: predicted, not run"
    ),
    "whatif.none": (
        "Nothing can be predicted from this lane: it must have drafted beside a next-token lane, with a "
        "model of known size."
    ),
    "whatif.card": "Machine",
    "whatif.model": "Target model",
    "whatif.here": "this one",
    "whatif.batch": "Sequences at once",
    "whatif.length": "Draft length",
    "whatif.nodes": "Nodes of the tree",
    "whatif.predicted": "predicted",
    "whatif.range": "{low} to {high}×",
    "whatif.one": "{x}×",
    "whatif.tau": (
        "{tau} tokens per step that costs {price} plain ones: verify {verify}, draft {draft}, rest {rest}"
    ),
    "whatif.bound.memory": "The pass waits for memory: checking drafts is nearly free.",
    "whatif.bound.compute": "The pass waits for arithmetic: every draft costs as much as a token.",
    "whatif.bound.launches": (
        "The model is so small for this card that starting the kernels takes longer than they run."
    ),
    "whatif.bound.measured": (
        "The price of such a pass was measured, by the other lanes of this race or by the machine's own "
        "table."
    ),
    "whatif.bound.curves": "The price of a pass was measured for this model on this card (bench scale).",
    "whatif.bound.extended": (
        "So many rows were not measured here: their price follows the slope of those that were."
    ),
    "whatif.fits": "In bf16 this model would not fit the card's memory.",
    "whatif.unknown": "This trace does not tell the model's layers; its size alone was taken, and no launches.",
    "whatif.deep": "Drafts beyond depth {n} were not tried here: the last depth's rate is taken for them.",
    "whatif.band": (
        "The range: this run's trees go deeper only where the draft is sure. The upper end takes their "
        "rates as they are, the lower one counts every draft not made as a wrong one. Both are for fixed "
        "trees: one that adapts, as here, can do better than any of them."
    ),
    "whatif.present": (
        "This run itself: predicted {predicted}×, measured {measured}×. The prediction is {error} off; it "
        "takes the run's own acceptance, and a pass's price from the other lanes."
    ),
    "whatif.source": "{name}: {gb} GB/s, {tflops} TFLOP/s bf16 ({source}); 70 % of both are taken as reached.",
    "whatif.lengths": "speedup over draft length",
    "whatif.batches": "speedup over sequences at once",
    "nav.speedup": "Speedup",
    "nav.vocabulary": "Vocabulary",
    # vocabulary
    "vocabulary.title": "Vocabulary",
    "vocabulary.lanes": "Lane whose vocabulary to look at",
    "vocabulary.none": (
        "The token frequencies of this race's model are not at hand, so its vocabulary cannot be told."
    ),
    "vocabulary.other": (
        "This trace was made with another edition of the bundled model: its tokens are not those that were "
        "counted."
    ),
    "vocabulary.about": (
        "A draft need not score every token: verification does. Most of a language's text is made of few "
        "tokens."
    ),
    "vocabulary.coverage": "Coverage by size",
    "vocabulary.coverage.about": (
        "Share of held-out text whose tokens are among the most frequent, counted when the maps were made; "
        "and of this text"
    ),
    "vocabulary.axis.x": "tokens that the draft scores",
    "vocabulary.language.en": "English",
    "vocabulary.language.zh": "Chinese",
    "vocabulary.language.code": "code",
    "vocabulary.text": "this text",
    "vocabulary.used": "used",
    "vocabulary.lane": "This lane",
    "vocabulary.scored": "{n} of {all} tokens scored ({share}), the most frequent of {language}.",
    "vocabulary.scored.full": "All {all} tokens are scored: nothing is cut, nothing is lost.",
    "vocabulary.scored.base": (
        "This lane scores no draft. Below, what a draft with the {language} map of {n} tokens ({share}) "
        "could say of its text."
    ),
    "vocabulary.saved": "A draft call reads {cut} of unembedding in place of {full}: {share} less.",
    "vocabulary.saved.rows": (
        "A draft call scores {share} fewer rows of the unembedding; this trace does not tell their width."
    ),
    "vocabulary.lost": (
        "{n} of {of} tokens of this text lie outside: no draft could have said them. Verification did, so "
        "the text is unchanged."
    ),
    "vocabulary.lost.none": "Every one of the {of} tokens of this text lies within: nothing was lost here.",
    "vocabulary.tau": "tokens per pass over size",
    "vocabulary.tau.bound": (
        "Read from this run, with every accepted draft outside a smaller size taken as a miss: about the "
        "least that such a draft would do. Not measured."
    ),
    "vocabulary.tau.measured": "Dots: lanes of this race that ran with that size, measured.",
    # a live race too fast to read
    "status.slowed": (
        "Running, and shown at {rate} of its true speed, so that it can be followed. The End key shows what"
        " there is."
    ),
    "status.done.slowed": (
        "Done in {s} s on the lanes' own clocks; shown at {rate} of that speed. The End key shows all of "
        "it."
    ),
}
