import subprocess

print(subprocess.run(
    ["figlet", "-w", "60", "decant"],
    check=True, capture_output=True, text=True,
).stdout)
