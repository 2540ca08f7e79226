"""Where a text holds what is to be masked: one module for each family, no judgement between them."""
