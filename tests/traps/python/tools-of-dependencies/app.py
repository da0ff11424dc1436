# the git history is not in here
import pydantic, click
class A(pydantic.BaseModel):
    x: int
print(A(x="3"))
