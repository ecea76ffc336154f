"""A page of a model, opened in headless Chromium."""
import importlib.util
import shutil
import subprocess

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def opened(model, folder, script, **options):
    """The page's document after a script at its end has run."""
    if not CHROMIUM or importlib.util.find_spec("ziglang") is None:
        pytest.skip("there is no Chromium, or no Zig")
    model.export(folder / "net", format="web", **options)
    page = folder / "net" / "index.html"
    page.write_text(page.read_text().replace("</body>", script + "</body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--virtual-time-budget=20000", f"--user-data-dir={folder / 'profile'}", "--window-size=900,600"]
    return subprocess.run([CHROMIUM, *flags, "--dump-dom", page.as_uri()], capture_output=True, text=True, check=True,
                          timeout=500).stdout
