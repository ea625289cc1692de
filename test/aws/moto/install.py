"""Makes the folder that moto runs in. Arguments: the folder, and the list of what goes into it."""

import fcntl
import os
import shutil
import subprocess
import sys
import venv

folder, requirements = sys.argv[1:]
os.makedirs(os.path.dirname(folder), exist_ok=True)
with open(folder + ".lock", "w") as lock:
    # Two tests may begin at once. The system lets go of the lock of whoever dies.
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.path.exists(folder):
        sys.exit()
    partial = folder + ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    venv.create(partial, with_pip=True)
    pip = [os.path.join(partial, "bin", "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-input", "--require-hashes", "-r", requirements], check=True
    )
    # It gets its name once it is whole. Nothing that is run from it is a script with a path in it.
    os.rename(partial, folder)
