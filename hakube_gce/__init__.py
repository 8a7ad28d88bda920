"""Highly available Kubernetes masters on Google Compute Engine."""

__version__ = "0.1.0"
