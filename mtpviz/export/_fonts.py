"""The fonts that a picture is drawn with where no reader's browser chooses them: found among those installed."""

from __future__ import annotations

import functools
import shutil
import subprocess

from PIL import ImageFont

from mtpviz.errors import UserError

# The first of each list that is installed; Pillow looks in the system's font folders.
_LATIN = {False: ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf", "arial.ttf", "Helvetica.ttc"),
          True: ("DejaVuSans-Bold.ttf", "NotoSans-Bold.ttf", "Arial Bold.ttf", "arialbd.ttf", "Helvetica.ttc")}
_CHINESE = {
    False: ("NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "NotoSansCJKsc-Regular.otf",
            "SourceHanSansSC-Regular.otf", "SourceHanSansCN-Regular.otf", "wqy-microhei.ttc", "wqy-zenhei.ttc",
            "DroidSansFallbackFull.ttf", "NotoSerifCJK-Regular.ttc", "PingFang.ttc", "Hiragino Sans GB.ttc",
            "STHeiti Light.ttc", "msyh.ttc", "simhei.ttf", "simsun.ttc"),
    True: ("NotoSansCJK-Bold.ttc", "NotoSansSC-Bold.otf", "NotoSansCJKsc-Bold.otf", "SourceHanSansSC-Bold.otf",
           "SourceHanSansCN-Bold.otf", "STHeiti Medium.ttc", "msyhbd.ttc")}
_SYMBOLS = "NotoSansSymbols2-Regular.ttf"


@functools.cache
def fonts(pixels: int, bold: bool) -> list:
    """Fonts of a type size, in the order in which a character is looked for."""
    latin = next(filter(None, (_open(name, pixels) for name in _LATIN[bold])), None)
    han = (_open(name, pixels) for name in (chinese(True) if bold else None, chinese()))
    found = [font for font in (latin, next(filter(None, han), None), _open(_SYMBOLS, pixels)) if font]
    return found or [ImageFont.load_default(pixels)]


@functools.cache
def chinese(bold: bool = False) -> str | None:
    """File of a font with Chinese letters, or None where none is installed."""
    for name in _CHINESE[bold]:
        if font := _open(name, 12):
            return font.path
    lister = None if bold else shutil.which("fc-list")  # fontconfig knows those of other names
    if lister is None:
        return None
    listed = subprocess.run([lister, ":lang=zh-cn", "--format=%{file}\n"], capture_output=True, text=True).stdout
    return next((path for path in listed.split("\n") if path and _open(path, 12)), None)


def need_chinese() -> None:
    """UserError where Chinese letters would be drawn as empty boxes."""
    if chinese() is None:
        raise UserError("A picture in Chinese needs a font with Chinese letters, such as Noto Sans CJK, and none is "
                        "installed here; --language en, or an SVG, which takes its reader's fonts, will do.")


@functools.cache
def _open(name: str | None, pixels: int) -> ImageFont.FreeTypeFont | None:
    """The font of a file, None where it is not installed; of a collection its face for simplified Chinese ("... SC"),
    if it has one."""
    faces: list = []
    try:
        for index in range(0 if name is None else 16 if name.endswith(".ttc") else 1):
            faces.append(ImageFont.truetype(faces[0].path if faces else name, pixels, index))
    except OSError:  # not installed, or behind the collection's last face
        pass
    return next((face for face in faces if face.getname()[0].endswith(" SC")), faces[0] if faces else None)
