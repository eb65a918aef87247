"""The commands of train.py and evaluate.py: options, and what each does."""
