"""Screen patient records against the eligibility criteria of clinical trials."""

__version__ = "0.1.0"
