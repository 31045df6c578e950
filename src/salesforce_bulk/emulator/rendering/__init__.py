"""Records, values and row errors as the APIs write them."""
