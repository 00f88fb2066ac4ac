"""Training: rows of a corpus, encoded and packed for a causal language model.

``rows`` reads the files, ``encode`` makes token sequences, ``mix`` orders them and ``pack`` fits them
into rows of the context's length. None of these four imports torch.

``loss`` and ``optim`` do: the loss on labels alone, and AdamW for weights kept in bf16.
"""
