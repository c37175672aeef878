"""One training recipe a file: a module with `RECIPE`, a class of training/recipe.py."""
