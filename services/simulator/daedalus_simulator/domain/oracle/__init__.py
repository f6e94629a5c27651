"""The cheapest schedule for one who knows the whole world: the limit of all policies."""
