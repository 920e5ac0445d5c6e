"""The fold of a team as its sessions see it: who belongs to it, and how far the mail was read."""

from ..events import MessageArrived, MessagesDelivered, TeammateJoined, TeammateLeft
from ..membership import Member
from ..replacing import replace
from ..session import Session


def joined(session: Session, event: TeammateJoined) -> Session:
    member = Member(event.name, event.session, session.version, event.role, call_id=event.call_id)
    return replace(session, team=(*session.team, member))


def left(session: Session, event: TeammateLeft) -> Session:
    """In the stream of the lead it is about one of its team; in that of a teammate, about itself."""
    if session.teammate == event.name:
        return replace(session, mail=replace(session.mail, left=True))
    team = tuple(
        [
            replace(member, left=True, version=session.version) if member.session == event.session else member
            for member in session.team
        ]
    )
    return replace(session, team=team)


def arrived(session: Session, event: MessageArrived) -> Session:
    return replace(session, mail=replace(session.mail, arrived=max(session.mail.arrived, event.position)))


def delivered(session: Session, event: MessagesDelivered) -> Session:
    mail, position = session.mail, max(session.mail.delivered, event.position)
    return replace(session, mail=replace(mail, arrived=max(mail.arrived, position), delivered=position))
