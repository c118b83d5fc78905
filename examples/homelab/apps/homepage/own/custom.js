// As it comes.
