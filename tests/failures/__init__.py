"""Kills, cut connections, full disks: histories of what was asked, and what must hold of them."""
