"""The pages in a real Chromium, on a house that has lived."""
