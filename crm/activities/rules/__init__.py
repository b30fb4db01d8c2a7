"""The words and the laws of follow-up."""
