"""Rules that judge what dyes showed: one file each, by subject. They read facts; planting and reading is `paired`'s."""
