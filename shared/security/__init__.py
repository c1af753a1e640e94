"""Who may do what, and what is kept closed: principals, tokens, keys, sealing."""
