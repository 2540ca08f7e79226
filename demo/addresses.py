"""Prints addresses and commands to try while the demo keeps running."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from demo.display import Display
from demo.product import Product
from demo.samples import Samples, ticket_url


def tell_addresses(display: Display, samples: Samples, product: Product) -> None:
    """Print each on its own line, so that it can be copied."""
    display.say()
    display.say("The tickets with their notes, as a technician sees them:", style="bold")
    display.say(f"  {samples.help_desk.url}/")
    for slug, ticket in samples.waiting[: len(samples.portals)]:
        display.say(f"  {ticket_url(samples.portals[slug], ticket.id)}")
    display.say()
    display.say("The console: what works, what failed and why. Sign in with the token:", style="bold")
    display.say(f"  {product.console_url}/   token {product.console_token}")
    display.say()
    display.say("The product:", style="bold")
    display.say(f"  {product.api_url}/health   {product.api_url}/schema   {product.api_url}/metrics")
    display.say(f"  {product.worker_url}/metrics (the worker's)")
    slug, ticket = samples.spare
    display.say()
    display.say(f"One more ticket waits for its webhook: {slug}, “{ticket.subject}”. Send it:", style="bold")
    display.say(f"  {_command(samples, product, slug, ticket.id)}")
    display.say()
    display.say("A ticket of your own words; the id is free to choose, and goes with the command above:", style="bold")
    portal = samples.portals[slug].slug
    display.say(
        f"  curl -H 'Content-Type: application/json' {samples.help_desk.url}/simulator/tickets -d "
        f'\'{{"portal": "{portal}", "id": "1", "subject": "VPN error 809", "description": "Since today."}}\''
    )
    display.say()
    display.say(
        "Take on a client yourself, with the commands of docs/tenants.md, in a second terminal, where first:",
        style="bold",
    )
    display.say(f"  . {shlex.quote(str(_write_settings(samples, product)))}")
    display.say()
    display.say("Following what happens. Ctrl-C ends it all and leaves nothing running.", style="dim")


def _write_settings(samples: Samples, product: Product) -> Path:
    """A file for the shell's `.`: with it the commands find the demo's files, servers and help desk."""
    told = {**product.variables(), "HELP_DESK_URL": samples.help_desk.url}
    path = samples.folder / "settings.sh"
    path.touch(mode=0o600)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in told.items()]
    lines.append(f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _command(samples: Samples, product: Product, slug: str, ticket_id: str) -> str:
    """A shell command that works in any folder."""
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in samples.environment.items())
    program = Path(sys.executable).with_name("ai-agents")
    run = shlex.quote(str(program)) if os.access(program, os.X_OK) else f"{shlex.quote(sys.executable)} -m app"
    return f"{settings} {run} webhook send --tenant {slug} --url {product.api_url} {ticket_id}"
