"""`make smoke`: the hook's Job, made by a person."""

from __future__ import annotations

import runpy

import yaml

from tests.manifests.rendering import ROOT, WORKLOAD, hook_of, of_kind, render
from tests.manifests.validity import invalid


def test_the_job_is_the_hooks_with_the_image_that_runs_and_no_hook() -> None:
    smoke_job = runpy.run_path(str(ROOT / "kustomize/smoke_by_hand.py"))["smoke_job"]
    image = "registry.example/ai-agents@sha256:" + "1" * 64

    job = yaml.safe_load(smoke_job(image))

    hook = next(each for each in of_kind(render(WORKLOAD), "Job") if each["metadata"]["name"] == "ai-agents-smoke")
    assert invalid([job]) == []
    assert hook_of(hook) == "PostSync"
    assert hook_of(job) is None
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == image
    assert container["args"] == hook["spec"]["template"]["spec"]["containers"][0]["args"]
