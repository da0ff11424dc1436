import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument("--name")
print(json.dumps(vars(parser.parse_args())))
