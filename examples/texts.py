"""Text classification: an LSTM against attention, and what word order is worth to either.

    python -m runner -m recipe=examples/texts.py net=lstm,attention shuffled=false,true epochs=6

Made reviews of eight to twelve words; what counts is whether the praise or the blame comes last ("... was dull but in
the end great"). With shuffled words the order is gone, and nothing better than guessing is left to learn.
"""

import random

import keras
import numpy as np

GOOD, BAD = ["great", "fine", "warm", "clever", "bright"], ["dull", "cold", "slow", "flat", "poor"]
FILLER = ["the", "film", "its", "plot", "music", "was", "and", "then", "in", "end", "of", "all", "with", "one", "long"]


def reviews(count, draw, shuffled):
    texts, labels = [], []
    for _ in range(count):
        label = draw.randrange(2)
        first, last = (BAD, GOOD) if label else (GOOD, BAD)
        words = draw.choices(FILLER, k=draw.randint(6, 10))
        place = draw.randint(1, len(words) - 1)
        words = [*words[:place], draw.choice(first), *words[place:], draw.choice(last)]
        if shuffled:
            draw.shuffle(words)
        texts.append(" ".join(words))
        labels.append(label)
    return np.array(texts), np.array(labels)


def data(examples: int = 1500, shuffled: bool = False):
    draw = random.Random(0)
    x, y = reviews(examples, draw, shuffled)
    return {"x": x, "y": y, "validation_data": reviews(500, draw, shuffled)}


def model(data, net: str = "lstm", width: int = 16, dropout: float = 0.2):
    split = keras.layers.TextVectorization(output_sequence_length=12, name="words")
    split.adapt(data["x"])
    text = keras.Input((), dtype="string", name="text")
    words = keras.layers.Embedding(split.vocabulary_size(), width, name="embedding")(split(text))
    if net == "lstm":
        read = keras.layers.LSTM(width, name="lstm")(words)
    else:
        places = keras.layers.Embedding(12, width, name="places")(keras.ops.arange(12))
        read = keras.layers.MultiHeadAttention(2, width, name="attention")(words + places, words + places)
        read = keras.layers.GlobalMaxPooling1D(name="pool")(read)
    read = keras.layers.Dropout(dropout, name="dropout")(read)
    outputs = keras.layers.Dense(1, activation="sigmoid", name="praise")(read)
    built = keras.Model(text, outputs)
    built.compile(keras.optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
    return built
