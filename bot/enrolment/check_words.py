"""Two plain words that member and facilitator read at the same time and say to each other aloud.

256 things in the same order in every language, so that a pair of numbers is the same pair of things. Common, concrete,
short, and hard to mistake for one another on the telephone.
"""

from __future__ import annotations

from uuid import UUID

from bot.storage.keys import Keyring

_ENGLISH = """
river stone bread window garden candle bridge feather lantern apple basket hammer ladder mirror pillow ribbon
saddle teapot violin walnut anchor barrel button carpet drawer engine flower guitar helmet island jacket kettle
lemon magnet needle orange pepper rabbit sailor tunnel valley wagon winter yellow acorn beaver castle desert
elbow forest glove harbor iron jungle kitchen letter meadow nest ocean pencil queen rocket silver ticket
uncle velvet whale almond brick cherry donkey eagle falcon goose horse insect juniper lobster lizard monkey
number onion parrot zebra rooster spider tiger turtle umbrella village whistle arrow bottle camera dragon fountain
ginger honey iceberg jewel kite leather marble napkin oyster piano pocket raven shovel thunder tomato tower
trumpet tulip turnip wallet wheel willow wolf wool banana bear bell bench berry blanket boat book
bowl box branch broom brush bucket butter cabin cactus camel canoe carrot chain chair chalk chess
chimney clay clock cloud clover coat coffee coin comb copper coral corn cotton crab crown cup
curtain dance deer dice dolphin door dove drum duck dust egg fence fern field finger fire
fish flag flute fog fork fox frog fruit gate ghost giant glass garlic gold grape grass
hat hay heart hedge hen hill hook horn house ice ink ivy jam jar judge kernel
key king knot lake lamb lamp leaf lion lock map maple milk mill mint moon moss
mouse mud nail night nut oak oar oven owl paint palm paper peach pearl planet pine
pipe plate plum pond pot pumpkin rain rice ring road roof sugar rope rose sail salt
"""

_GERMAN = """
Fluss Stein Brot Fenster Garten Kerze Brücke Feder Laterne Apfel Korb Hammer Leiter Spiegel Kissen Band
Sattel Teekanne Geige Walnuss Anker Fass Knopf Teppich Schublade Motor Blume Gitarre Helm Insel Jacke Kessel
Zitrone Magnet Nadel Orange Pfeffer Kaninchen Matrose Tunnel Tal Wagen Winter Gelb Eichel Biber Burg Wüste
Ellbogen Wald Handschuh Hafen Eisen Dschungel Küche Brief Wiese Nest Ozean Bleistift Königin Rakete Silber Fahrkarte
Onkel Samt Wal Mandel Ziegel Kirsche Esel Adler Falke Gans Pferd Insekt Wacholder Hummer Eidechse Affe
Nummer Zwiebel Papagei Zebra Hahn Spinne Tiger Schildkröte Regenschirm Dorf Pfeife Pfeil Flasche Kamera Drache Brunnen
Ingwer Honig Eisberg Juwel Winddrachen Leder Murmel Serviette Auster Klavier Tasche Rabe Schaufel Donner Tomate Turm
Trompete Tulpe Rübe Geldbörse Rad Weide Wolf Wolle Banane Bär Glocke Bank Beere Decke Boot Buch
Schüssel Kiste Zweig Besen Bürste Eimer Butter Hütte Kaktus Kamel Kanu Möhre Kette Stuhl Kreide Schach
Schornstein Lehm Uhr Wolke Klee Mantel Kaffee Münze Kamm Kupfer Koralle Mais Baumwolle Krabbe Krone Tasse
Vorhang Tanz Hirsch Würfel Delfin Tür Taube Trommel Ente Staub Ei Zaun Farn Feld Finger Feuer
Fisch Fahne Flöte Nebel Gabel Fuchs Frosch Obst Tor Gespenst Riese Glas Knoblauch Gold Traube Gras
Hut Heu Herz Hecke Henne Hügel Haken Horn Haus Eis Tinte Efeu Marmelade Krug Richter Kern
Schlüssel König Knoten See Lamm Lampe Blatt Löwe Schloss Landkarte Ahorn Milch Mühle Minze Mond Moos
Maus Schlamm Nagel Nacht Nuss Eiche Ruder Ofen Eule Farbe Palme Papier Pfirsich Perle Planet Kiefer
Rohr Teller Pflaume Teich Topf Kürbis Regen Reis Ring Straße Dach Zucker Seil Rose Segel Salz
"""

WORDS = {"en": tuple(_ENGLISH.split()), "de": tuple(_GERMAN.split())}


def check_words(keys: Keyring, member_id: UUID, language: str) -> str:
    """The two words of one member: "river stone". Both sides are shown them in the cohort's language."""
    words = WORDS.get(language, WORDS["en"])
    first, second = keys.check_words_seed(member_id)[:2]
    if first == second:
        second = (second + 1) % len(words)
    return f"{words[first]} {words[second]}"
