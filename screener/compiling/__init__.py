"""From an encoding to a plan: facts and criteria as statements that DuckDB runs."""
