"""The features of recordings, as a pipeline would compute them."""
