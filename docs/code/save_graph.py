import json

from error_workflow import graph

if __name__ == "__main__":
    with open("exposure.json", "w") as file:
        json.dump(graph, file, indent=2)
    print("saved")
