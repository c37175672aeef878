"""Training: corpus, tokenizer, multi-token pretraining with a co-distilled draft model, export."""
