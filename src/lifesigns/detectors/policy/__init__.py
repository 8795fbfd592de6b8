"""Rules about the policy: its entropy, its actions, and what it earns."""
