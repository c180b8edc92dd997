import asyncio,collections,sys
from tests.security import fuzz
import facade.exchange.connection as c
seen=collections.Counter()
import re
orig=fuzz.Feed.close
def close(self,error=None):
    seen[re.sub(r"\d+","N",str(error))[:90]]+=1
    orig(self,error)
fuzz.Feed.close=close
print(asyncio.run(fuzz.fuzz(sys.argv[1],int(sys.argv[2]),3)))
for k,v in seen.most_common(25): print(v,k)
