import pytest, time, cProfile, pstats
from tests.playbooks.test_canary_deployment import begin, drive
pytestmark = pytest.mark.asyncio(loop_scope="module")
async def test_dbg(world):
    await drive(world, await begin(world))
    n=[0,0.0]; q=[0,0.0]
    orig=world.pass_time; os_=world.state
    async def pt(**k):
        a=time.time(); await orig(**k); n[0]+=1; n[1]+=time.time()-a
    async def st(r):
        a=time.time(); x=await os_(r); q[0]+=1; q[1]+=time.time()-a; return x
    world.pass_time=pt; world.state=st
    a=time.time(); c=time.process_time()
    pr=cProfile.Profile(); pr.enable()
    await drive(world, await begin(world, "v3"))
    pr.disable()
    print("total", time.time()-a, "cpu", time.process_time()-c, "pass", n, "state", q)
    pstats.Stats(pr).sort_stats("tottime").print_stats(14)
    assert 0
