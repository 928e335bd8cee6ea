"""The settings: what they are, how they are read, and the pages that list them."""
