"""transformers as a peer: its generate on the same folder, plain, assisted, and with prompt lookup."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from mtpviz.engine.session import DTYPES, Session

LOOKUP_TOKENS = 10  # transformers' own example


class Peers:
    """runs: by name, a function of (prompt, new tokens) that decodes greedily and returns tokens per second, prefill
    included. Assisted generation is among them where there is a draft model."""

    def __init__(self, session: Session):
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.session = session

        def load(folder):
            model = transformers.AutoModelForCausalLM.from_pretrained(
                folder, dtype=DTYPES[session.dtype_name], local_files_only=True, trust_remote_code=False)
            return model.eval()

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
        ids = torch.tensor([self.session.encode(text, new_tokens)])
        before = torch.get_num_threads()
        torch.set_num_threads(self.session.threads)
        try:
            with torch.inference_mode():
                start = time.perf_counter()
                out = self.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens,
                                          use_cache=True, do_sample=False, pad_token_id=0, **options)
                seconds = time.perf_counter() - start
        finally:
            torch.set_num_threads(before)
        return (out.shape[1] - ids.shape[1]) / seconds
