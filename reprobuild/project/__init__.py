"""`reprobuild.toml`, read strictly."""
