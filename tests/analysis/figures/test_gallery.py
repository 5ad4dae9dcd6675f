"""Missed images are drawn with what was said of them."""

import numpy as np
import pytest
from drawn import missed_of, texts

from analysis.figures.gallery import gallery
from analysis.figures.png import png


def test_the_gallery_shows_at_most_24_images_with_what_was_said():
    images = np.arange(30 * 8 * 8, dtype=np.uint8).reshape(30, 8, 8)
    figure = gallery(missed_of(30), images)
    page = figure.axes[0]
    assert len(page.images) == 24 and len(page.texts) == 24
    assert page.texts[3].get_text() == "true 4\nsaid 9 ×12, 4 ×3\nmissed by 15 of 20\nimage 3"
    assert np.allclose(page.images[3].get_array(), images[3] / 255)
    assert "No validation image is missed." in [text.get_text() for text in texts(gallery(missed_of(0), images))]


def test_pixels_are_squares():
    image = gallery(missed_of(1), np.zeros((1, 8, 4), np.uint8)).axes[0].images[0]
    left, right, bottom, top = image.get_extent()
    assert (bottom - top) == pytest.approx(2 * (right - left))


def test_the_gallery_keeps_colours():
    colour = np.zeros((2, 8, 8, 3), np.float32)
    colour[:, :, :, 0] = 1
    drawn = gallery(missed_of(2), colour).axes[0].images[0].get_array()
    assert drawn.shape == (8, 8, 3) and drawn[0, 0].tolist() == [1, 0, 0]


def test_a_page_of_photographs_stays_small():
    noise = np.random.default_rng(0).integers(0, 256, (24, 100, 100, 3), dtype=np.uint8)
    assert len(png(gallery(missed_of(), noise))) < 200_000
