import hublike, corpuslike
print(hublike.load("bert"), corpuslike.find("punkt"))
