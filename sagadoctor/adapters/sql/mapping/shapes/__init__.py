"""The shapes of steps, a model each; only the one that a store has is loaded."""
