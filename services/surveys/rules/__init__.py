"""The rules of surveys: ballots, the release gate, quotes."""
