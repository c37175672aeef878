"""transformers as a peer: its generate on the same folder, plain, assisted, and with prompt lookup."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch

from mtpviz.bench.harness import BASELINE, decode, in_turns, spread, warm_up
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import DTYPES, Session

NOTE = ("Greedy, from the prompt to the last token by the wall clock, prefill included, all in turns; transformers "
        "with its KV cache, same weights, dtype and threads.")
LOOKUP_TOKENS = 10  # transformers' own example


class Peers:
    """runs: by name, a function of (prompt, new tokens) that decodes greedily and returns tokens per second, prefill
    included. Assisted generation is among them where there is a draft model."""

    def __init__(self, session: Session):
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.session, self.device = session, session.target.device if session.gpu else torch.device("cpu")

        def load(folder):
            model = transformers.AutoModelForCausalLM.from_pretrained(
                folder, dtype=DTYPES[session.dtype_name], local_files_only=True, trust_remote_code=False)
            return model.eval().to(self.device)

        self.model = load(session.entry.folder)
        self.runs: dict[str, Callable[[str, int], float]] = {
            "transformers generate": lambda text, new: self._tokens_per_s(text, new),
            "transformers prompt lookup": lambda text, new: self._tokens_per_s(
                text, new, prompt_lookup_num_tokens=LOOKUP_TOKENS)}
        if session.entry.draft_folder is not None:
            assistant = load(session.entry.draft_folder)
            self.runs["transformers assisted"] = lambda text, new: self._tokens_per_s(
                text, new, assistant_model=assistant)

    def _tokens_per_s(self, text: str, new_tokens: int, **options) -> float:
        ids = torch.tensor([self.session.encode(text, new_tokens)], device=self.device)
        before = torch.get_num_threads()
        torch.set_num_threads(self.session.threads or before)  # 0 on a GPU, which has none
        try:
            with torch.inference_mode():
                start = time.perf_counter()
                out = self.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens,
                                          use_cache=True, do_sample=False, pad_token_id=0, **options)
                out[0, -1].item()  # the value comes to the host: the text is over when it is there
                seconds = time.perf_counter() - start
        finally:
            torch.set_num_threads(before)
        return (out.shape[1] - ids.shape[1]) / seconds


def compare(session: Session, texts: Sequence[str], new_tokens: int, repeats: int) -> list[dict]:
    """Rows of a table: next-token prediction and every peer on `texts`, tokens per second, and how many times faster
    next-token prediction is (medians and quartiles of paired runs)."""
    others = Peers(session)
    warm_up(session, [BASELINE], Sampling())

    def ours(text: str) -> float:
        start = time.perf_counter()
        tokens = len(decode(session, BASELINE, text, Sampling(), new_tokens).token_ids)
        return tokens / (time.perf_counter() - start)

    speeds: dict[str, list[float]] = {}
    for text in texts:
        runs = {"mtpviz ntp": lambda text=text: ours(text)}
        runs |= {name: lambda text=text, call=call: call(text, new_tokens) for name, call in others.runs.items()}
        for call in list(runs.values())[1:]:
            call()  # the first call is slower
        for found in in_turns(runs, repeats):
            for name, speed in found.items():
                speeds.setdefault(name, []).append(speed)
    return [{"engine": name, "dtype": session.dtype_name, "threads": session.threads, "tokens/s": spread(found),
             "ntp is faster by": spread([a / b for a, b in zip(speeds["mtpviz ntp"], found, strict=True)])}
            for name, found in speeds.items()]
