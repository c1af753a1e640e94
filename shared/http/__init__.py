"""What every HTTP door of Andan has in common: problems, paging, bodies, health, headers."""
