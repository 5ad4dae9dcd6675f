"""Numbers -> the sentences, labels and digits that people read; text is not escaped but by `markup`."""
