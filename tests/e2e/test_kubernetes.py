"""The manifest of docs/kubernetes.md, on a file system that looks like a pod's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.ams_home import picture_of
from tests.daemon import Daemon, signed, wait_until
from tests.markdown import block_of
from tests.rest_api import result

VERSION = "/LiveApp/rest/v2/version"


class Pod:
    """The volumes of the manifest's pod, below a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = {
            (one["kind"], one["metadata"]["name"]): one
            for one in yaml.safe_load_all(block_of("kubernetes.md", "yaml"))
        }
        self.spec = self.objects["Deployment", "antmediad"]["spec"]["template"]["spec"]
        (self.container,) = self.spec["containers"]
        self.versions = 0
        for volume in self.spec["volumes"]:
            self.publish(volume["name"])

    def path(self, mounted: str) -> Path:
        """Return where a path of the pod is here."""
        return self.root / mounted.lstrip("/")

    def content(self, volume: str) -> dict[str, str] | None:
        """Return the files of a volume, None of one that may be written."""
        (source,) = (one for one in self.spec["volumes"] if one["name"] == volume)
        found: dict[str, str] | None = None
        if "configMap" in source:
            found = self.objects["ConfigMap", source["configMap"]["name"]]["data"]
        elif "secret" in source:
            found = self.objects["Secret", source["secret"]["secretName"]]["stringData"]
        elif "persistentVolumeClaim" in source:
            assert ("PersistentVolumeClaim", source["persistentVolumeClaim"]["claimName"]) in (
                self.objects
            )
        return found

    def publish(self, volume: str, **changes: str) -> None:
        """Do what the kubelet does when a ConfigMap or a Secret comes, or has changed."""
        (mount,) = (one for one in self.container["volumeMounts"] if one["name"] == volume)
        assert "subPath" not in mount
        directory = self.path(mount["mountPath"])
        directory.mkdir(parents=True, exist_ok=True)
        content = self.content(volume)
        if content is None:
            return
        self.versions += 1
        version = directory / f"..2026_{self.versions}"
        version.mkdir()
        for name, text in content.items():
            # Paths of the pod are elsewhere here.
            for path in ("/run/", "/srv/", "/var/"):
                text = text.replace(path, f"{self.root}{path}")
            (version / name).write_text(changes.get(name.replace("-", "_"), text))
        old = (directory / "..data").resolve() if (directory / "..data").exists() else None
        (directory / "..data_tmp").symlink_to(version.name)
        (directory / "..data_tmp").rename(directory / "..data")
        for name in content:
            if not (directory / name).is_symlink():
                (directory / name).symlink_to(f"..data/{name}")
        if old is not None:
            shutil.rmtree(old)

    def daemon(self) -> Daemon:
        """Return the pod's daemon, with a port of its own."""
        variables = {one["name"]: str(self.path(one["value"])) for one in self.container["env"]}
        command, *options = self.container["args"]
        assert command == "serve"
        # A home by option would not take its data from the environment.
        data = ("--data", variables["ANTMEDIA_DATA"])
        return Daemon(Path(variables["ANTMEDIA_HOME"]), *data, *options)


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    """A pod that was just made."""
    return Pod(tmp_path / "pod")


def test_the_manifest_belongs_together() -> None:
    objects = list(yaml.safe_load_all(block_of("kubernetes.md", "yaml")))

    deployment = next(one for one in objects if one["kind"] == "Deployment")["spec"]
    service = next(one for one in objects if one["kind"] == "Service")["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels == service["selector"]
    assert deployment["replicas"] == 1
    assert {one["name"] for one in container["volumeMounts"]} == {
        one["name"] for one in deployment["template"]["spec"]["volumes"]
    }
    ports = {one["name"] for one in container["ports"]}
    assert service["ports"][0]["targetPort"] in ports
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports


def test_a_pod_serves_and_follows_what_is_swapped_in(pod: Pod) -> None:
    secret = str(pod.objects["Secret", "antmediad"]["stringData"]["liveapp-jwt-secret"])
    other = secret[::-1]
    with pod.daemon() as daemon:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert daemon.get(pod.container[probe]["httpGet"]["path"]) == 200
        assert daemon.get(VERSION) == 403
        assert daemon.get(VERSION, signed(secret=secret)) == 200

        pod.publish("secrets", liveapp_jwt_secret=other)

        wait_until(lambda: daemon.get(VERSION, signed(secret=other)) == 200, "the new secret")
        assert daemon.get(VERSION, signed(secret=secret)) == 403

        (application,) = (one for one in pod.spec["volumes"] if one["name"] == "liveapp")
        text = pod.objects["ConfigMap", application["configMap"]["name"]]["data"]
        text["red5-web.properties"] += "hlsTime=\njwtControlEnabled=maybe\n"
        pod.publish("liveapp")

        daemon.wait_for_log("settings kept")
        assert daemon.get(VERSION) == 403
        assert daemon.get(VERSION, signed(secret=other)) == 200


def test_a_pod_writes_to_its_data_volume_only(pod: Pod) -> None:
    home = pod.path("/srv/antmedia")
    before = picture_of(home)
    secret = str(pod.objects["Secret", "antmediad"]["stringData"]["liveapp-jwt-secret"])
    with pod.daemon() as daemon:
        answer = daemon.request(
            "POST",
            "/LiveApp/rest/v2/vods/create?name=a.mp4",
            b"--x--\r\n",
            {
                "Content-Type": "multipart/form-data; boundary=x",
                "Authorization": signed(secret=secret),
            },
        )

    assert answer.json == result(False, "Files of VoDs are not changed: this home is read only")
    assert picture_of(home) == before
    assert (pod.path("/var/lib/antmediad") / "data" / "settings.db").exists()
