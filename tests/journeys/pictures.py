"""How a picture for docs/screens is taken: the whole page on a phone, the first screen on a desk, few colours, small."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

# each page in Chinese on a phone by day, in English on a phone by night, in English at a desk
LOOKS = (("zh-hans", 390, "light"), ("en", 390, "dark"), ("en", 1280, "light"))
LOCALES = {"zh-hans": "zh-CN", "en": "en-GB"}


def take(
    chromium: Any,
    *,
    folder: Path,
    pages: dict[str, str],
    url: str,
    state: Any = None,
    looks: tuple[tuple[str, int, str], ...] = LOOKS,
) -> int:
    """Take pages (name, address) in each look; refuse one that is wider than its screen. Give how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = 0
    for language, width, scheme in looks:
        context = chromium.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme, storage_state=state, locale=LOCALES[language]
        )  # fmt: skip
        context.add_cookies([{"name": "django_language", "value": language, "url": url}])
        page = context.new_page()
        for name, address in pages.items():
            page.set_viewport_size({"width": width, "height": 844})
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, language)
            if width == 390:  # as tall as the page, so that the bar at the bottom hides nothing of it
                tall = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({"width": width, "height": max(tall, 844)})
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            few = picture.quantize(256, dither=Image.Dither.NONE)
            few.save(folder / f"{name}-{width}-{language}-{scheme}.png", optimize=True)
            taken += 1
        context.close()
    return taken
