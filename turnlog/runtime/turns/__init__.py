"""A turn: the model asked, its calls run, what came of it recorded."""
