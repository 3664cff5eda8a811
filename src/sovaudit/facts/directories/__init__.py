"""What each directory product does with what it stores: one module a product, all answering in the words of model.py."""
