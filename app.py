"""Starts the page: `python app.py`, and what a hosted Space runs."""

from __future__ import annotations

import argparse
import os
import threading

PAGE_FIRST_SECONDS = (
    1.5  # the model waits this long, so that the first visitor's page has the processor to itself
)


def parser() -> argparse.ArgumentParser:
    """The options of the page."""
    options = argparse.ArgumentParser(
        description="The mtpviz page: decoding strategies side by side on one model."
    )
    options.add_argument(
        "--model", default="bundled", help="the bundled model, or a Hugging Face model folder"
    )
    options.add_argument("--device", default="auto", help="auto, cpu or cuda")
    options.add_argument("--dtype", default="auto", help="auto, bf16 or fp32")
    options.add_argument(
        "--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="address to serve on"
    )
    options.add_argument(
        "--port", type=int, default=None, help="port; the first free one from 7860 on by default"
    )
    options.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="NAME=URL",
        help="a serving engine that visitors may race, by its name alone; NAME=URL,baseline compares others with it; "
        "may be repeated, and MTPVIZ_SERVERS lists more",
    )
    options.add_argument("--share", action="store_true", help="make a public link through Gradio's servers")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Build the page, serve it, then load the model in the background."""
    options = parser()
    asked = options.parse_args(arguments)
    from mtpviz.errors import UserError
    from mtpviz.serving.server import from_environment, listed
    from mtpviz.ui.page import LAUNCH_KW, build
    from mtpviz.ui.resident import Resident

    try:
        servers = listed([*asked.server, *from_environment()])
    except UserError as error:
        options.exit(2, f"{error}\n")
    resident = Resident(asked.model, asked.device, asked.dtype, servers)
    page = build(resident)
    _, url, shared = page.launch(
        server_name=asked.host,
        server_port=asked.port,
        share=asked.share,
        prevent_thread_lock=True,
        **LAUNCH_KW,
    )
    print(f"mtpviz is at {shared or url}", flush=True)
    threading.Timer(PAGE_FIRST_SECONDS, resident.start).start()
    page.block_thread()


if __name__ == "__main__":
    main()
