"""Short programs to start from; the tests run them."""
