"""The ledger: what is done and to do; its single writer, its followers and its own language, the `bd` dialect."""
