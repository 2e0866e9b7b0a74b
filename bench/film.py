#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the films and the pictures of the gallery: nobody else's, the same each time.

usage: bench/film.py FOLDER

film-natural.mp4    landscapes (noise whose power falls with the square of the frequency, as that of
                    photographs does) with pan, zoom, a cut, things that fly past, and grain
film-synthetic.mp4  ffmpeg's test picture, a zoom into a fractal, a cellular automaton
photo-N.jpg         24 landscapes of 560 x 374

Films are 1280 x 720, 30 pictures a second, 6 seconds. At the top left of each picture its number is
written as cells that are black or white: BITS cells, most significant bit first, and the same
inverted. What is there already with this file's hash is kept."""

import hashlib
import pathlib
import subprocess
import sys

import numpy
from PIL import Image

WIDTH, HEIGHT, RATE, SECONDS = 1280, 720, 30, 6
COUNT = RATE * SECONDS
CELL, BITS = 16, 10
PHOTOS, PHOTO_SIZE = 24, (560, 374)


def clouds(random, width, height, slope):
    """Noise between 0 and 1 whose amplitude falls with the frequency to the power of `slope`."""
    x = numpy.fft.rfftfreq(width) * width
    y = numpy.fft.fftfreq(height) * height
    frequency = numpy.sqrt(x[None, :] ** 2 + y[:, None] ** 2)
    frequency[0, 0] = 1
    phases = random.normal(size=frequency.shape) + 1j * random.normal(size=frequency.shape)
    noise = numpy.fft.irfft2(phases * frequency ** -slope, s=(height, width))
    noise -= noise.min()
    return noise / noise.max()


def blend(low, high, share):
    low, high = numpy.array(low, float), numpy.array(high, float)
    return low + (high - low) * share[..., None]


def landscape(seed, width, height):
    """A sky with clouds, mountains behind each other, and a meadow in front: RGB, 8 bits."""
    random = numpy.random.default_rng(seed)
    rows = numpy.arange(height)[:, None] / height
    sky = clouds(random, width, height, 1.6)
    picture = blend((90, 130, 190), (235, 240, 245), numpy.clip(sky * 1.4 - 0.3 + rows * 0.3, 0, 1))
    for layer in range(4):
        base = 0.35 + 0.13 * layer
        line = clouds(random, width, 8, 1.7)[0]
        top = (base + (line - 0.5) * (0.30 - 0.05 * layer)) * height
        inside = numpy.arange(height)[:, None] > top[None, :]
        texture = numpy.clip(0.6 * clouds(random, width, height, 1.1)
                             + 0.4 * clouds(random, width, height, 0.6), 0, 1)
        far = (1 - layer / 4) * 0.6
        ground = blend((30 + 10 * layer, 50 + 12 * layer, 30), (150, 150 + 8 * layer, 110 - 8 * layer),
                       numpy.clip(texture * 1.8 - 0.4, 0, 1))
        ground = ground * (1 - far) + numpy.array((150, 170, 200)) * far
        picture = numpy.where(inside[..., None], ground, picture)
    return numpy.clip(picture, 0, 255).astype(numpy.uint8)


def write_number(picture, number):
    bits = [number >> (BITS - 1 - i) & 1 for i in range(BITS)]
    for index, bit in enumerate(bits + [1 - b for b in bits]):
        picture[:CELL, index * CELL:(index + 1) * CELL] = 255 * bit


def natural_pictures():
    """Pan, cut, zoom: three shots."""
    random = numpy.random.default_rng(1)
    shots = [Image.fromarray(landscape(seed, 2048, 1152)) for seed in (11, 12, 13)]
    grain = [random.normal(0, 2.5, (HEIGHT, WIDTH, 1)) for _ in range(7)]
    length = COUNT // len(shots)
    for number in range(COUNT):
        shot, at = divmod(number, length)
        part = at / length
        zoom = (1.0, 1.35 - 0.35 * part, 0.8 + 0.3 * part)[shot]
        width, height = WIDTH * zoom, HEIGHT * zoom
        x = (600 * part, (2048 - width) / 2, 300 - 200 * part)[shot]
        y = (100 + 80 * part, (1152 - height) / 2, 120)[shot]
        view = shots[shot].transform((WIDTH, HEIGHT), Image.Transform.EXTENT,
                                     (x, y, x + width, y + height), Image.Resampling.BICUBIC)
        picture = numpy.array(view).astype(float)
        for bird in range(5):
            left = int((at * (9 + 3 * bird) + 260 * bird) % (WIDTH + 80)) - 80
            high = 90 + 70 * bird + int(20 * numpy.sin(at / 5 + bird))
            picture[high:high + 14, max(left, 0):max(left + 46, 0)] *= 0.25
        picture += grain[number % len(grain)]
        yield numpy.clip(picture, 0, 255).astype(numpy.uint8)


def synthetic_pictures():
    sources = ("testsrc2=size=1280x720:rate=30",
               "mandelbrot=size=1280x720:rate=30:start_scale=1.2:end_pts=90",
               "life=size=640x360:rate=30:seed=3:mold=10:death_color=#602020:life_color=#e0f0ff"
               ",scale=1280:720:flags=neighbor")
    for source in sources:
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v",
             str(COUNT // len(sources)), "-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        pictures = numpy.frombuffer(done.stdout, numpy.uint8)
        yield from pictures.reshape(-1, HEIGHT, WIDTH, 3).copy()


def write_film(path, pictures):
    temporary = path.with_suffix(".new.mp4")
    encoder = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s",
         "%dx%d" % (WIDTH, HEIGHT), "-r", str(RATE), "-i", "-", "-c:v", "libx264", "-preset",
         "veryfast", "-crf", "14", "-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_primaries",
         "bt709", "-color_trc", "bt709", "-vf", "scale=out_color_matrix=bt709", "-threads", "1",
         "-movflags", "+faststart", str(temporary)], stdin=subprocess.PIPE)
    count = 0
    for number, picture in enumerate(pictures):
        write_number(picture, number)
        encoder.stdin.write(picture.tobytes())
        count += 1
    encoder.stdin.close()
    if encoder.wait() != 0 or count != COUNT:
        sys.exit("%s: ffmpeg failed, or %d pictures instead of %d" % (path, count, COUNT))
    temporary.replace(path)


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / "made"
    digest = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()
    if mark.exists() and mark.read_text(encoding="ascii") == digest:
        return
    mark.unlink(missing_ok=True)
    write_film(folder / "film-natural.mp4", natural_pictures())
    write_film(folder / "film-synthetic.mp4", synthetic_pictures())
    for number in range(PHOTOS):
        big = Image.fromarray(landscape(100 + number, 1120, 748))
        big.resize(PHOTO_SIZE, Image.Resampling.LANCZOS).save(folder / ("photo-%d.jpg" % number),
                                                              quality=88)
    mark.write_text(digest, encoding="ascii")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make(pathlib.Path(sys.argv[1]))
