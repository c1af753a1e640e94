"""The lineage of the toy service `lender`."""
