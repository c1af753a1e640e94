"""Two toy services that prove the plumbing: a lender of places, and a ledger that hears of them."""
