"""What is drawn around a robot: its visual shapes on a free base, a checkered floor, and neutral light."""

from __future__ import annotations

import mujoco

from envs.urdf_spec import body_name, urdf_to_spec
from robots.robot import Robot


def visual_spec(robot: Robot, fine: bool = False) -> mujoco.MjSpec:
    """A robot to be drawn, quickly or in fine detail; nothing of it can collide. Its base's joint is named "base"."""
    spec = urdf_to_spec(robot, "print" if fine else "visual")
    base = spec.body(body_name(robot.base))
    base.add_freejoint(name="base")
    base.pos = [0, 0, robot.base_height_m]
    for geom in spec.geoms:
        geom.contype, geom.conaffinity = 0, 0
        if max(geom.rgba[:3]) < 0.02:  # painted pitch black, nothing of the shape would be seen
            geom.rgba[:3] = [0.5, 0.52, 0.55]
    if robot.base_height_m > 0:
        _add_floor(spec)
    _add_light(spec, base)
    return spec


def _add_floor(spec: mujoco.MjSpec) -> None:
    spec.add_texture(
        name="checker",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=[0.82, 0.84, 0.86],
        rgb2=[0.74, 0.76, 0.79],
        width=256,
        height=256,
    )
    material = spec.add_material(name="floor", texrepeat=[1, 1], texuniform=True)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "checker"
    spec.worldbody.add_geom(
        name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 0.05], material="floor", contype=0, conaffinity=0, castshadow=False
    )


def _add_light(spec: mujoco.MjSpec, base: mujoco.MjsBody) -> None:
    """Daylight from above, and a lamp that keeps beside the robot."""
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.96, 0.97, 0.98],
        rgb2=[0.80, 0.84, 0.88],
        width=128,
        height=128,
    )
    base.add_light(
        mode=mujoco.mjtCamLight.mjCAMLIGHT_TRACK,
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[1.0, -1.5, 3.0],
        dir=[-0.3, 0.45, -0.9],
        diffuse=[0.5, 0.5, 0.5],
        specular=[0.1, 0.1, 0.1],
    )
    spec.visual.headlight.ambient[:] = 0.35
    spec.visual.headlight.diffuse[:] = 0.35
    spec.visual.headlight.specular[:] = 0.1
    spec.visual.quality.offsamples = 0
    spec.visual.quality.shadowsize = 1024
    spec.visual.map.znear, spec.visual.map.zfar = 0.02, 60.0
