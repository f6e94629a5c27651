"""The commands: each module registers its own, and imports what is slow only when run."""
